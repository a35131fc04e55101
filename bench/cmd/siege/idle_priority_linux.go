package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// useIdlePriority makes Linux run this process only while no other process wants the processor. The load
// then hardly adds to the latencies that are measured. main calls useIdlePriority first, because Linux
// sets the priority for each thread and new threads inherit it.
func useIdlePriority() error {
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
