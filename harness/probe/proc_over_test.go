package probe

import "testing"

// A process whose first thread has ended holds its files until the last one has.
func TestAZombieWithThreadsIsNotOver(t *testing.T) {
	for line, want := range map[string]bool{
		"9 (gw) Z 1 1 0 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 77 0 0": true,
		"9 (gw) Z 1 1 0 0 -1 0 0 0 0 0 3 4 0 0 20 0 5 0 77 0 0": false,
		"9 (gw) S 1 1 0 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 77 0 0": false,
		"9 (gw) X 1 1 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 0 0 77 0 0": true,
	} {
		p, err := parseStat([]byte(line))
		if err != nil || p.startTime != 77 || p.over() != want {
			t.Errorf("%s: %+v, over %t, %v", line, p, p.over(), err)
		}
	}
}
