package pod

import (
	"reflect"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

func TestWhatDidNotAnswerSaidNothing(t *testing.T) {
	file := Reading{Publication: "file", State: history.Draining, Count: 1}
	http := Reading{Publication: "http", State: history.Draining, Count: 2}
	silent := Reading{Publication: "http", Problem: history.ProblemUnreachable}
	torn := Reading{Publication: "http", Problem: history.ProblemUnparseable}
	for name, c := range map[string]struct{ now, before, want Published }{
		"what it said last stands":  {Published{file, silent}, Published{file, http}, Published{file, http}},
		"what it says now replaces": {Published{file, http}, Published{file, silent}, Published{file, http}},
		"it never said anything":    {Published{silent}, nil, Published{silent}},
		"what is wrong is said":     {Published{file, torn}, Published{file, http}, Published{file, torn}},
	} {
		if got := c.now.Over(c.before); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
