package logtail

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestWriterSplitsLines(t *testing.T) {
	l := New()
	w := l.Writer()
	for _, s := range []string{"a\nb", "c\r\n", "\n", "tail"} {
		fmt.Fprint(w, s)
	}
	if got := strings.Join(l.Last(10), "|"); got != "a|bc|" {
		t.Errorf("lines %q", got)
	}
	_ = w.Close()
	if got := strings.Join(l.Last(2), "|"); got != "|tail" {
		t.Errorf("last lines %q", got)
	}
	if got := l.Last(-1); len(got) != 0 {
		t.Errorf("Last(-1) = %q", got)
	}
}

func TestWriterCutsEndlessLines(t *testing.T) {
	l := New()
	w := l.Writer()
	fmt.Fprint(w, strings.Repeat("x", 3*longest+5)+"\n")
	for i, s := range l.Last(10) {
		if want := longest; i < 3 && len(s) != want || i == 3 && len(s) != 5 {
			t.Errorf("line %d has %d bytes", i, len(s))
		}
	}
	if n := len(l.Last(10)); n != 4 {
		t.Errorf("%d lines, want 4", n)
	}
}

// TestFollowSeesEveryLine: a follower that comes late and one that is there from
// the start see the same lines, whatever the writer's pace.
func TestFollowSeesEveryLine(t *testing.T) {
	const n = 500
	l := New()
	l.Add("0")
	var followers sync.WaitGroup
	follow := func() {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		i := 0
		_ = l.Follow(ctx, func(s string) {
			if s != fmt.Sprint(i) {
				t.Errorf("line %q, want %d", s, i)
			}
			if i++; i == n {
				stop()
			}
		})
		if i != n {
			t.Errorf("follower saw %d lines, want %d", i, n)
		}
	}
	followers.Go(follow)
	for i := 1; i < n; i++ {
		l.Add(fmt.Sprint(i))
	}
	followers.Go(follow)
	followers.Wait()
}

func TestFollowTellsWhatIsLost(t *testing.T) {
	l := New()
	for i := range keep + 7 {
		l.Add(fmt.Sprint(i))
	}
	ctx, stop := context.WithCancel(t.Context())
	var first []string
	_ = l.Follow(ctx, func(s string) {
		if first = append(first, s); len(first) == 2 {
			stop()
		}
	})
	if len(first) < 2 || !strings.Contains(first[0], "7 lines") || first[1] != "7" {
		t.Errorf("follower saw %q", first)
	}
}
