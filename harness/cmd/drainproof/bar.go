package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"github.com/drainproof/drainproof/harness/audit"
)

// bar shows how far an audit is and how long it will take: on a terminal one line
// that moves, elsewhere a line for every run.
type bar struct {
	out     io.Writer
	started time.Time
	total   int
	shown   progress.Writer // nil: no terminal
	tracker *progress.Tracker
	ended   chan struct{}

	mu   sync.Mutex
	done int
}

func newBar(out io.Writer, total int) *bar {
	b := &bar{out: out, started: time.Now(), total: total}
	if !isTerminal(out) || total == 0 {
		return b
	}
	b.shown, b.ended = progress.NewWriter(), make(chan struct{})
	b.shown.SetOutputWriter(out)
	b.shown.SetUpdateFrequency(500 * time.Millisecond)
	b.shown.SetStyle(progress.StyleBlocks)
	b.shown.Style().Visibility = progress.StyleVisibility{ETA: true, Percentage: true, Time: true, Tracker: true, Value: true}
	b.tracker = &progress.Tracker{Message: "runs", Total: int64(total)}
	b.shown.AppendTracker(b.tracker)
	go func() { defer close(b.ended); b.shown.Render() }()
	return b
}

// tell shows a run that is over.
func (b *bar) tell(g audit.Gateway, r audit.Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	what := "passed"
	if !g.Right() {
		what = "named " + g.MustName
	}
	wrong := g.Wrong(r)
	if wrong != "" {
		what = wrong
		if r.Report != "" {
			what += " (" + r.Report + ")"
		}
	}
	line := fmt.Sprintf("%-26s run %d, %6.1fs  %s", g.ID, r.Number, r.Wall.Seconds(), what)
	if b.shown != nil {
		b.tracker.Increment(1)
		if wrong != "" {
			b.shown.Log("%s", line)
		}
		return
	}
	left := time.Since(b.started) / time.Duration(b.done) * time.Duration(b.total-b.done)
	fmt.Fprintf(b.out, "%4d/%d, %s left  %s\n", b.done, b.total, left.Round(time.Second), line)
}

// end stops showing.
func (b *bar) end() {
	if b.shown == nil {
		return
	}
	b.shown.Stop()
	<-b.ended
}
