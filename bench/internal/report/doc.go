// Package report holds what a run found and prints it, as a table or as JSON.
package report
