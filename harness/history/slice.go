package history

import "slices"

// Slice returns the events with the given sequence numbers and up to around
// neighbours on each side of each, in order and without repetition: the part of
// a history that shows a verdict. Header and outcome only appear when asked for.
func Slice(events []Event, seqs []uint64, around int) []Event {
	around = max(around, 0)
	keep := make(map[int]bool)
	for _, seq := range seqs {
		i, ok := slices.BinarySearchFunc(events, seq, func(e Event, s uint64) int {
			switch {
			case e.Seq < s:
				return -1
			case e.Seq > s:
				return 1
			}
			return 0
		})
		if !ok {
			continue
		}
		keep[i] = true
		for _, step := range []int{-1, 1} {
			for at, taken := i+step, 0; taken < around && at >= 0 && at < len(events); at += step {
				if kind := events[at].Kind; kind == KindHeader || kind == KindOutcome {
					continue
				}
				keep[at] = true
				taken++
			}
		}
	}
	index := make([]int, 0, len(keep))
	for i := range keep {
		index = append(index, i)
	}
	slices.Sort(index)
	out := make([]Event, len(index))
	for i, at := range index {
		out[i] = events[at]
	}
	return out
}
