package sdk

import (
	"os"
	"runtime"

	"github.com/hashicorp/go-hclog"
)

// Threads lets the plugin's process run Go code on up to n threads at once, and on no more than the
// machine or the container has processors. Without Threads, the process runs Go code on one thread,
// because a plugin mostly waits for other processes, and one thread needs fewer wake-ups. A plugin
// that computes, such as one that embeds texts itself, needs more. If the environment sets
// GOMAXPROCS, that value applies instead.
func Threads(n int) Option { return func(i *Info) { i.threads = n } }

// useThreads sets GOMAXPROCS for a plugin with the option Threads(wanted), or without the option if
// wanted is 0. It logs the number of threads, and how to change that.
func useThreads(wanted int, log hclog.Logger) {
	if set := os.Getenv("GOMAXPROCS"); set != "" {
		log.Info("Go code runs on as many threads as the environment says", "GOMAXPROCS", set)
		return
	}
	// Before this call, GOMAXPROCS is the number of processors of the machine or the container.
	n := max(1, min(wanted, runtime.GOMAXPROCS(0)))
	runtime.GOMAXPROCS(n)
	log.Info("Go code runs on few threads: the option sdk.Threads or the variable GOMAXPROCS changes that", "GOMAXPROCS", n)
}
