// Package loglimit has the log limiter: a message that something causes again and again, such as each turn
// of a tenant whose settings are wrong, is logged once a minute.
//
// The files:
//
//	limiter.go  Limiter: which message is logged, and how many were left out before it
package loglimit
