package profile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// readTimeout is how long a process may take to write its profiles.
const readTimeout = 10 * time.Second

// Read waits for what the named process counted, and answers it.
func Read(dir, name string) (Counts, error) {
	var c Counts
	for end := time.Now().Add(readTimeout); ; time.Sleep(20 * time.Millisecond) {
		b, err := os.ReadFile(filepath.Join(dir, countsFile(name)))
		if err == nil {
			return c, json.Unmarshal(b, &c)
		}
		if time.Now().After(end) {
			return c, fmt.Errorf("%s wrote no profile: %w", name, err)
		}
	}
}
