package sdk

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// dumpsHelper is an environment variable. It makes this test's binary one of two helper processes:
// the process that has a secret, or the process that looks for the secret.
const dumpsHelper = "BOTYARD_TEST_DUMPS"

func TestForbidDumps(t *testing.T) {
	switch how := os.Getenv(dumpsHelper); {
	case how == "":
	case strings.HasPrefix(how, "look "):
		look(strings.TrimPrefix(how, "look "))
		os.Exit(0)
	default:
		hide(how)
		os.Exit(0)
	}
	for _, how := range []string{"allow", "forbid"} {
		t.Run(how, func(t *testing.T) {
			hidden := helper(t, how)
			in, err := hidden.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := hidden.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := hidden.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = in.Close(), hidden.Wait() }()
			said, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || said != "ready core 0 exe true environ true fd true\n" && how == "forbid" {
				t.Fatalf("%v: %q", err, said)
			}
			seen, err := helper(t, fmt.Sprint("look ", hidden.Process.Pid)).Output()
			if err != nil {
				t.Fatal(err)
			}
			want := "environ true mem true fd true ptrace true\n"
			if how == "forbid" {
				want = "environ false mem false fd false ptrace false\n"
			}
			if string(seen) != want {
				t.Errorf("another process of the user sees %q, want %q", seen, want)
			}
		})
	}
}

// helper returns a command that runs this test's binary as a user who is not root. Root could read
// everything.
func helper(t *testing.T, how string) *exec.Cmd {
	t.Helper()
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "dumps") // every user may enter a folder below /tmp
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := dir + "/helper"
	syscall.ForkLock.RLock()
	err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, binary, 0o755))
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-test.run", "^TestForbidDumps$")
	cmd.Env = append(os.Environ(), dumpsHelper+"="+how, "DUMPS_SECRET=hidden")
	cmd.Stderr = os.Stderr
	cmd.Dir = "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	return cmd
}

// hide prints that it is ready and what it can still read of its own process. Before that it calls
// ForbidDumps if how is "forbid". It returns when standard input is closed.
func hide(how string) {
	if how == "forbid" {
		if err := ForbidDumps(); err != nil {
			fmt.Println(err)
		}
	}
	var core unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
	exe, _ := os.Executable()
	fds, err := os.ReadDir("/proc/self/fd")
	fmt.Printf("ready core %d exe %t environ %t fd %t\n", core.Cur, exe != "", os.Getenv("DUMPS_SECRET") == "hidden", err == nil && len(fds) > 2)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// look prints what it can read of the process with this pid.
func look(pid string) {
	environ, err := os.ReadFile("/proc/" + pid + "/environ")
	seen := err == nil && strings.Contains(string(environ), "DUMPS_SECRET=hidden")
	mem, memErr := os.Open("/proc/" + pid + "/mem")
	if memErr == nil {
		_ = mem.Close()
	}
	_, fdErr := os.ReadDir("/proc/" + pid + "/fd")
	var n int
	_, _ = fmt.Sscan(pid, &n)
	traced := unix.PtraceSeize(n)
	if seen == errors.Is(err, fs.ErrPermission) {
		fmt.Println("unclear:", err)
	}
	fmt.Printf("environ %t mem %t fd %t ptrace %t\n", seen, memErr == nil, fdErr == nil, traced == nil)
}
