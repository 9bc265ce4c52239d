package soak

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// Only a drain that was taken back before it was seen is waited for.
func TestHeeding(t *testing.T) {
	const bound = 2 * time.Second
	start := time.Now()
	after := func(d time.Duration) time.Time { return start.Add(d) }
	for name, c := range map[string]struct {
		do   func(h *heeding)
		want time.Duration
	}{
		"nothing":             {func(*heeding) {}, 0},
		"seen":                {func(h *heeding) { h.begun(); h.over(true, after(time.Second)) }, 0},
		"not seen":            {func(h *heeding) { h.begun(); h.over(false, after(time.Second)) }, bound},
		"there was none":      {func(h *heeding) { h.over(false, after(time.Second)) }, 0},
		"long ago":            {func(h *heeding) { h.begun(); h.over(false, after(-5*time.Second)) }, 0},
		"a while ago":         {func(h *heeding) { h.begun(); h.over(false, after(0)) }, bound - time.Second},
		"and another, seen":   {func(h *heeding) { h.begun(); h.over(false, after(0)); h.begun(); h.over(true, after(time.Second)) }, bound - time.Second},
		"a hurry to the end":  {func(h *heeding) { h.hurried(history.OpCancel, after(time.Second)) }, bound},
		"a hurry, then seen":  {func(h *heeding) { h.hurried(history.OpBegin, after(-5*time.Second)); h.over(true, after(time.Second)) }, 0},
		"a hurry, and unseen": {func(h *heeding) { h.hurried(history.OpBegin, after(-5*time.Second)); h.over(false, after(time.Second)) }, bound},
	} {
		t.Run(name, func(t *testing.T) {
			var h heeding
			c.do(&h)
			if got := h.open(bound, after(time.Second)); got != c.want {
				t.Errorf("open for %s, want %s", got, c.want)
			}
		})
	}
}
