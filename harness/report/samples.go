package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/monitor"
)

// Summary is a measured figure over all its samples. Percentiles are nearest
// rank: values that really occurred.
type Summary struct {
	Name  string        `json:"name"` // what was measured, e.g. "draining published after"
	N     int           `json:"n"`
	P50   time.Duration `json:"p50_ns"`
	P95   time.Duration `json:"p95_ns"`
	Max   time.Duration `json:"max_ns"`
	Bound time.Duration `json:"bound_ns,omitempty"` // tightest bound a sample was held against; 0: none
}

// Summarise puts samples together by name, in the order in which the names first
// appear.
func Summarise(samples []monitor.Sample) []Summary {
	var out []Summary
	values := map[string][]time.Duration{}
	for _, s := range samples {
		if _, known := values[s.Name]; !known {
			out = append(out, Summary{Name: s.Name})
		}
		values[s.Name] = append(values[s.Name], s.Value)
		i := slices.IndexFunc(out, func(o Summary) bool { return o.Name == s.Name })
		if s.Bound > 0 && (out[i].Bound == 0 || s.Bound < out[i].Bound) {
			out[i].Bound = s.Bound
		}
	}
	for i := range out {
		v := values[out[i].Name]
		slices.Sort(v)
		out[i].N = len(v)
		out[i].P50, out[i].P95, out[i].Max = Percentile(v, 50), Percentile(v, 95), v[len(v)-1]
	}
	return out
}

// Figure is the summary as a checklist row says it: the median, the worst, and
// what it was held against: "draining published after 3 ms, at most 52 ms (25
// times), bound 2 s".
func (s Summary) Figure() string {
	text := s.Name + " " + Human(s.P50)
	if s.N > 1 {
		text += fmt.Sprintf(", at most %s (%d times)", Human(s.Max), s.N)
	}
	if s.Bound > 0 {
		text += ", bound " + Human(s.Bound)
		if s.Max > s.Bound {
			text += " (missed; see the verdict and the noise)"
		}
	}
	return text
}

// Human writes a duration for people: "250 µs", "3 ms", "1.25 s", "2 min 5 s".
// It rounds up, so that nothing looks faster than it was, nor within a bound it
// missed.
func Human(d time.Duration) string {
	if d < 0 {
		return "-" + Human(-d)
	}
	up := func(step time.Duration) time.Duration {
		if r := d % step; r != 0 {
			return d - r + step
		}
		return d
	}
	switch {
	case d == 0:
		return "0 ms"
	case up(time.Microsecond) < time.Millisecond:
		return decimal(up(time.Microsecond), time.Microsecond, 0) + " µs"
	case up(100*time.Microsecond) < 10*time.Millisecond:
		return decimal(up(100*time.Microsecond), time.Millisecond, 1) + " ms"
	case up(time.Millisecond) < time.Second:
		return decimal(up(time.Millisecond), time.Millisecond, 0) + " ms"
	case up(10*time.Millisecond) < time.Minute:
		return decimal(up(10*time.Millisecond), time.Second, 2) + " s"
	}
	d = up(time.Second)
	minutes, seconds := d/time.Minute, d%time.Minute/time.Second
	if seconds == 0 {
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d min %d s", minutes, seconds)
}

func decimal(d, unit time.Duration, digits int) string {
	scale := math.Pow10(digits)
	text := strconv.FormatFloat(math.Round(float64(d)/float64(unit)*scale)/scale, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
