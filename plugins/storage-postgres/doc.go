// Package pgstore is the storage plugin "postgres".
package pgstore
