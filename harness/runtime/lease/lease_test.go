package lease

import (
	"maps"
	"os"
	"os/exec"
	"testing"
	"time"
)

// deadPID returns the PID of a process that has been, with its start time.
func deadPID(t *testing.T) (int, uint64) {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	start, err := StartTime(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return cmd.Process.Pid, start
}

func TestExpired(t *testing.T) {
	now := time.Now()
	mine, err := New("r", 0, now)
	if err != nil {
		t.Fatal(err)
	}
	here, err := Here()
	if err != nil {
		t.Fatal(err)
	}
	dead, deadStart := deadPID(t)
	for _, c := range []struct {
		name    string
		change  func(*Lease)
		running bool
		at      time.Time
		want    bool
	}{
		{"owner lives", func(*Lease) {}, true, now, false},
		{"owner lives beyond its deadline", func(*Lease) {}, true, now.Add(3 * MaxRun), false},
		{"owner gone", func(l *Lease) { l.Owner, l.Start = dead, deadStart }, true, now, true},
		{"PID went to another", func(l *Lease) { l.Start-- }, true, now, true},
		{"other host, in time", func(l *Lease) { l.Host, l.Owner = "other", dead }, false, now, false},
		{"other host, overdue", func(l *Lease) { l.Host = "other" }, true, now.Add(MaxRun + time.Minute), true},
		{"older boot, not running", func(l *Lease) { l.Boot, l.Created = "old", here.Booted.Add(-time.Hour) }, false, now, true},
		{"older boot, but it runs: a namesake", func(l *Lease) { l.Boot, l.Created = "old", here.Booted.Add(-time.Hour) }, true, now, false},
		{"other boot, made after ours: a namesake", func(l *Lease) { l.Boot = "other" }, false, now, false},
		{"older boot, running, overdue", func(l *Lease) { l.Boot = "old" }, true, now.Add(MaxRun + time.Minute), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := mine
			c.change(&l)
			got, why := l.Expired(here, c.at, c.running)
			if got != c.want || got != (why != "") {
				t.Errorf("Expired = %v (%q), want %v", got, why, c.want)
			}
		})
	}
}

func TestLabelsRoundTrip(t *testing.T) {
	l, err := New("run-1", os.Getppid(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromLabels(l.Labels())
	if err != nil {
		t.Fatal(err)
	}
	if back != l {
		t.Errorf("read back %+v, wrote %+v", back, l)
	}
	// A lease that cannot be read whole is none.
	for key := range l.Labels() {
		broken := maps.Clone(l.Labels())
		delete(broken, key)
		if _, err := FromLabels(broken); err == nil {
			t.Errorf("without %s it was still read", key)
		}
	}
}

func TestNewWithoutOwner(t *testing.T) {
	dead, _ := deadPID(t)
	if _, err := New("r", dead, time.Now()); err == nil {
		t.Error("a lease was given to a dead owner")
	}
}

func TestParseStat(t *testing.T) {
	const tail = " S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2"
	for _, name := range []string{"(sh)", "(a b)", "(evil) Z 9 9)", "(()"} {
		state, start, err := parseStat([]byte("17 " + name + tail))
		if err != nil || state != 'S' || start != 4242 {
			t.Errorf("%s: %c %d %v", name, state, start, err)
		}
	}
}

// FuzzParseStat: whatever the kernel writes, no panic.
func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (init) S 0 1"))
	f.Add([]byte(")"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _, _ = parseStat(data) })
}
