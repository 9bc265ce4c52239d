package probe

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

func TestPeakOfMemoryIsRead(t *testing.T) {
	for text, want := range map[string]int64{
		"Name:\tx\nVmPeak:\t 9000 kB\nVmHWM:\t    2012 kB\nVmRSS:\t 1000 kB\n": 2012 * 1024,
		"Name:\tx\nState:\tZ (zombie)\n":                                       0,
		"VmHWM:\t2012\n":                                                       0,
		"VmHWM:\t2012 MB\n":                                                    0,
		"VmHWM:\tmany kB\n":                                                    0,
		"VmHWM:\t0 kB\n":                                                       0,
		"":                                                                     0,
	} {
		if got, err := parsePeak([]byte(text)); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
}

// The end of a check says how much memory the process had; that of one with no process
// says nothing.
func TestTheEndTellsOfMemory(t *testing.T) {
	r, _ := newObserver(t)
	isMemory := func(ev history.Event) bool { return ev.Kind == history.KindMemory }
	end := wire.NoteParams{Event: history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionEnd}}}
	_, err := r.Note(r.ctx, end)
	r.must(err)
	cmd := exec.Command("sleep", "60")
	r.must(cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	_, err = r.Watch(r.ctx, wire.WatchParams{PID: cmd.Process.Pid, Within: patience})
	r.must(err)
	if _, err := peakOf(fmt.Sprintf("/proc/%d", cmd.Process.Pid)); err != nil {
		t.Skipf("this kernel keeps no account of memory: %v", err)
	}
	_, err = r.Note(r.ctx, end)
	r.must(err)
	got := r.await("the memory", isMemory)
	if got.Memory.PID != cmd.Process.Pid || got.Memory.Peak < 4096 {
		t.Errorf("told %+v", got.Memory)
	}
	if n := len(r.all(isMemory)); n != 1 {
		t.Errorf("told %d times, and there was a process only once", n)
	}
	r.checkHistory()
}
