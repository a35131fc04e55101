package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// readTimeout is how long a process may take to write its profiles.
const readTimeout = 10 * time.Second

// Read waits until the named process has written its counts to the folder dir, and returns them. It
// deletes their file, so that the next Read waits for the next profile. It returns an error after
// readTimeout.
func Read(dir, name string) (Counts, error) {
	var c Counts
	for end := time.Now().Add(readTimeout); ; time.Sleep(20 * time.Millisecond) {
		path := filepath.Join(dir, countsFile(name))
		b, err := os.ReadFile(path)
		if err == nil {
			return c, errors.Join(json.Unmarshal(b, &c), os.Remove(path))
		}
		if time.Now().After(end) {
			return c, fmt.Errorf("%s wrote no profile: %w", name, err)
		}
	}
}

// Stacks returns the stacks of the goroutines that ran at the end of the last profile. It groups equal
// stacks, in the text format of package pprof.
func Stacks(dir, name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, stacksFile(name)))
	return string(b), err
}
