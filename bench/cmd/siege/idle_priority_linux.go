package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// elsewhere has this process run only while nobody else wants the processor, as far as that
// goes as if it was on another machine: what is measured is the host, and not the load. It
// is to be called first, for Linux sets it for each thread, and new ones get it of those
// that make them.
func elsewhere() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetAttr(tid, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0); err != nil {
			return fmt.Errorf("setting the priority of the attack: %w", err)
		}
	}
	return nil
}
