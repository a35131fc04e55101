package trust

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

func TestIsPodVolume(t *testing.T) {
	const mounts = `22 1 0:20 / / ro,relatime - overlay overlay rw
30 22 8:1 /var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/plugins /plugins rw,relatime shared:1 - ext4 /dev/sda1 rw
31 22 8:1 /srv/shared /shared rw,relatime - ext4 /dev/sda1 rw
32 22 0:44 / /memory rw,relatime - tmpfs tmpfs rw
33 22 8:1 /var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/x /over rw - ext4 /dev/sda1 rw
34 33 8:1 /srv/x /over rw - ext4 /dev/sda1 rw
35 22 8:1 /var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/y /a\040b rw - ext4 /dev/sda1 rw
`
	for _, pod := range []bool{false, true} {
		t.Setenv("KUBERNETES_SERVICE_HOST", map[bool]string{true: "10.0.0.1"}[pod])
		for path, want := range map[string]bool{"/plugins": true, "/plugins/sub": false, "/shared": false, "/memory": pod, "/over": false, "/a b": true, "/": false} {
			t.Run(fmt.Sprintf("%s, in a pod %t", path, pod), func(t *testing.T) {
				if got := isPodVolume(bufio.NewScanner(strings.NewReader(mounts)), path); got != want {
					t.Errorf("isPodVolume reports %t", got)
				}
			})
		}
	}
}
