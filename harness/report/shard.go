package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Shard is a part of a run: some of its checks, in a report of their own.
type Shard struct {
	Index int `json:"index"` // from 1
	Of    int `json:"of"`
}

// String is "part 2 of 4".
func (s *Shard) String() string { return fmt.Sprintf("part %d of %d", s.Index, s.Of) }

// Text says what a part is worth, and what to do with it; "" where there is none.
func (s *Shard) Text() string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("it is %s of a run, which certifies nothing; join all parts with drainproof merge", s)
}

// Merged says of which parts a report was put together.
type Merged struct {
	Of      int           `json:"of"`                // parts that the run was cut into
	Missing []int         `json:"missing,omitempty"` // those that were not there
	Twice   []int         `json:"twice,omitempty"`   // those that were there more than once, of which none counts
	Longest time.Duration `json:"longest_ns"`        // wall time of the part that took longest
	Sum     time.Duration `json:"sum_ns"`            // wall time of all parts together
}

// Absent says which parts there is no evidence of; "" where there is all of it.
func (m *Merged) Absent() string {
	if m == nil {
		return ""
	}
	var all []string
	if len(m.Missing) > 0 {
		all = append(all, partsAre(m.Missing, m.Of, "missing"))
	}
	if len(m.Twice) > 0 {
		all = append(all, partsAre(m.Twice, m.Of, "there more than once, so that none of them counts"))
	}
	return strings.Join(all, "; ")
}

// partsAre is "part 3 of 4 is missing", or "parts 1, 3 of 4 are missing".
func partsAre(parts []int, of int, what string) string {
	if len(parts) == 1 {
		return fmt.Sprintf("part %d of %d is %s", parts[0], of, what)
	}
	var numbers []string
	for _, n := range parts {
		numbers = append(numbers, strconv.Itoa(n))
	}
	return fmt.Sprintf("parts %s of %d are %s", strings.Join(numbers, ", "), of, what)
}

// String says what it is made of, and what that took.
func (m *Merged) String() string {
	s := fmt.Sprintf("%s: the longest took %s, all together %s", count(m.Of, "part"), Human(m.Longest), Human(m.Sum))
	if absent := m.Absent(); absent != "" {
		s += "; " + absent
	}
	return s
}
