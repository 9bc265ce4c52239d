package conformance

import (
	"maps"
	"slices"
	"testing"
)

func TestWhatIsImpossibleOnATarget(t *testing.T) {
	cases := map[string]struct {
		features []string
		runtime  string
		root     bool
		want     []string
	}{
		"an ordinary one":              {nil, "docker", false, nil},
		"root":                         {nil, "docker", true, []string{"CONTROL-008", "MARKER-005"}},
		"nothing is stale":             {[]string{"notify", "shutdown"}, "docker", false, []string{"NOTIFY-002"}},
		"markers age":                  {[]string{"notify", "expiry"}, "docker", false, nil},
		"markers belong to one":        {[]string{"epoch", "notify"}, "docker", false, nil},
		"nothing is told anybody":      {[]string{"shutdown"}, "docker", false, nil},
		"no container to be made anew": {[]string{"epoch"}, "process", false, []string{"EPOCH-004"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := impossible(c.features, c.runtime, c.root)
			if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
