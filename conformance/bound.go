package conformance

import (
	"slices"

	"github.com/drainproof/drainproof/harness/config"
)

// Checks lists the titles of the specs that bring the situation of a requirement
// about, in the order in which they are registered; none: it is not checked yet.
func Checks(id string) []string {
	var titles []string
	for _, sp := range collect().specs {
		if slices.Contains(sp.ids, id) {
			titles = append(titles, sp.title())
		}
	}
	return titles
}

// collect puts the specs together without handing them to Ginkgo.
func collect() *suite {
	s := &suite{cfg: &config.Config{}}
	s.points()
	s.families()
	return s
}
