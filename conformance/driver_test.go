package conformance

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onsi/gomega"
)

func TestPatience(t *testing.T) {
	for _, c := range []struct {
		what     string
		withheld func(passed time.Duration) time.Duration
		lasts    time.Duration
	}{
		{"a quiet machine withholds nothing", func(time.Duration) time.Duration { return 0 }, 6 * time.Second},
		{"what the machine withholds does not count", func(passed time.Duration) time.Duration { return passed / 2 }, 12 * time.Second},
		{"of what it withholds, twice the time counts at the most", func(passed time.Duration) time.Duration { return passed }, 18 * time.Second},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, before := time.Now(), time.Hour
				withheld := func() time.Duration { return before + c.withheld(time.Since(began)) }
				look := patiently(withheld, 6*time.Second, func() (bool, error) { return false, nil })
				for {
					if _, err := look(); err != nil {
						break
					}
					time.Sleep(poll) // on the clock of the bubble: nothing waits
				}
				if lasted := time.Since(began); lasted < c.lasts || lasted > c.lasts+5*poll {
					t.Errorf("gave up after %s, want %s and a look", lasted, c.lasts)
				}
			})
		})
	}
	t.Run("the look after the time is the last", func(t *testing.T) {
		look := patiently(func() time.Duration { return 0 }, 0, func() (string, error) { return "seen", nil })
		if v, err := look(); v != "seen" || err != nil {
			t.Errorf("the first look is %q, %v, want what was seen", v, err)
		}
		var stop gomega.PollingSignalError
		if v, err := look(); v != "seen" || !errors.As(err, &stop) {
			t.Errorf("the look after the time is %q, %v, want the order to stop", v, err)
		}
	})
	t.Run("a reason of its own to stop goes first", func(t *testing.T) {
		gone := errors.New("gone")
		look := patiently(func() time.Duration { return 0 }, 0, func() (bool, error) { return false, gone })
		for range 2 {
			if _, err := look(); !errors.Is(err, gone) {
				t.Errorf("stopped for %v, want %v", err, gone)
			}
		}
	})
	t.Run("the time is named with what was seen last", func(t *testing.T) {
		var said string
		g := gomega.NewGomega(func(message string, _ ...int) { said = message })
		g.Eventually(t.Context(), patiently(func() time.Duration { return 0 }, 0, func() (int, error) { return 7, nil })).Should(gomega.Equal(8))
		want := "it was given 0s, and the time that the machine withheld\nExpected\n    <int>: 7\nto equal\n    <int>: 8"
		if said = withoutYet(said); !strings.HasSuffix(said, want) {
			t.Errorf("%q does not end in %q", said, want)
		}
	})
}
