package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/lease"
)

// leaveOrphan is the test binary as a run that is going to be killed.
func leaveOrphan() {
	ctx := context.Background()
	r, err := New(ctx, Options{RunID: os.Getenv(orphanEnv), Root: os.TempDir(), Binaries: tiny()})
	if err != nil {
		fmt.Println(err)
		return
	}
	tg := tinyTarget()
	prepared, err := r.Prepare(ctx, tg)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := r.NewPod(ctx, tg, prepared, runtime.PodOptions{})
	if err == nil {
		err = p.StartGateway(ctx)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ready", p.GatewayPID())
	time.Sleep(time.Hour)
}

// TestSweep: of a killed run the children die with it and the folder is removed
// by the next; a living run keeps both.
func TestSweep(t *testing.T) {
	r := newRuntime(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(id string) (gateway int, cmd *exec.Cmd) {
		cmd = exec.Command(exe)
		cmd.Env = append(os.Environ(), orphanEnv+"="+id)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		line, err := bufio.NewReader(out).ReadString('\n')
		if _, serr := fmt.Sscanf(line, "ready %d", &gateway); serr != nil {
			t.Fatalf("the other run says %q, %v", line, err)
		}
		return gateway, cmd
	}
	t.Cleanup(func() {
		if _, err := r.Sweep(); err != nil {
			t.Error(err)
		}
		if left := folders(t, "living"); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	orphan, killed := run("dead")
	alive, _ := run("living")
	_ = killed.Process.Kill()
	_ = killed.Wait()
	waitGone(t, orphan)
	if left := folders(t, "dead"); len(left) != 1 {
		t.Fatalf("the killed run left %q", left)
	}
	if n, err := r.Sweep(); n != 1 || err != nil {
		t.Errorf("swept %d, %v; want 1", n, err)
	}
	if left := folders(t, "dead"); len(left) != 0 {
		t.Errorf("the sweep left %q", left)
	}
	if _, err := lease.StartTime(alive); err != nil || len(folders(t, "living")) != 1 {
		t.Errorf("the living run was hurt: %v, folders %q", err, folders(t, "living"))
	}
}

// TestSweepEndsOnlyWhatIsRecorded: a process is ended only if its start time is
// the recorded one, and only on the word of this user.
func TestSweepEndsOnlyWhatIsRecorded(t *testing.T) {
	newRuntime(t)
	sleeper := func() (child, *exec.Cmd) {
		cmd := exec.Command("sleep", "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		start, err := lease.StartTime(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		return child{PID: cmd.Process.Pid, Start: start}, cmd
	}
	mine, _ := sleeper()
	other, _ := sleeper()
	foreign, _ := sleeper()
	other.Start--

	dead, err := lease.New("forged", 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dead.Start-- // its owner is gone
	make := func(mode os.FileMode, children ...child) string {
		f, err := newFolder(dead)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.note(children); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f.path, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(f.path) })
		return f.path
	}
	honest := make(0o700, mine, other)
	open := make(0o777, foreign) // anybody could have written this
	link := filepath.Join(os.TempDir(), prefix+"link")
	if err := os.Symlink(open, link); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(link)

	here, err := lease.Here()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := sweep(func(c claim) bool { over, _ := c.Expired(here, time.Now(), false); return over }); n != 1 || err != nil {
		t.Errorf("swept %d folders, %v; want 1", n, err)
	}
	if _, err := os.Stat(honest); !os.IsNotExist(err) {
		t.Errorf("the honest folder is still there: %v", err)
	}
	if _, err := os.Stat(open); err != nil {
		t.Errorf("the open folder is gone: %v", err)
	}
	if mine.alive() {
		t.Error("the recorded process lives")
	}
	other.Start++
	if !other.alive() || !foreign.alive() {
		t.Errorf("ended what it should not: %v, %v", other.alive(), foreign.alive())
	}
}

// TestPortsDiffer: no port is given twice, nor one the kernel may take for an
// outgoing connection.
func TestPortsDiffer(t *testing.T) {
	var p ports
	var all []int
	for range 20 {
		some, err := p.pick(3)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != 60 || all[0] < lowest || all[59] >= ephemeral() {
		t.Errorf("picked %v", all)
	}
	p.giveBack(all)
	if len(p.taken) != 0 {
		t.Errorf("%d ports are still taken", len(p.taken))
	}
}

// FuzzClaim: a folder's lease may hold anything.
func FuzzClaim(f *testing.F) {
	f.Add(`{"run":"r","host":"h","owner":1,"children":[{"pid":1,"start":1}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		dir := filepath.Join(t.TempDir(), prefix+"x")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, leaseFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, ok := read(dir); ok && (c.Run == "" || !strings.Contains(text, "run")) {
			t.Errorf("%q was read as %+v", text, c)
		}
	})
}

// A port belongs to its pod while nobody listens on it, too: neither this run nor
// another picks it.
func TestAPortHasOneOwner(t *testing.T) {
	var one ports
	got, err := one.pick(1)
	if err != nil {
		t.Fatal(err)
	}
	if claim, err := claimPort(got[0]); err == nil {
		_ = claim.Close()
		t.Errorf("port %d was handed out twice", got[0])
	}
	var two ports
	if _, err := two.take(got[0], func(_, address string) (net.Listener, error) {
		t.Errorf("%s is listened on, and belongs to another pod", address)
		return nil, errors.New("not to be")
	}); err == nil {
		t.Errorf("port %d was taken twice", got[0])
	}
	one.giveBack(got)
	claim, err := claimPort(got[0])
	if err != nil {
		t.Fatalf("port %d was not given back: %v", got[0], err)
	}
	_ = claim.Close()
}
