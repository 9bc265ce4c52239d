package conformance

import (
	"errors"
	"testing"
	"time"

	"github.com/onsi/gomega"
)

func TestPatience(t *testing.T) {
	t.Run("what the machine withholds does not count", func(t *testing.T) {
		var withheld time.Duration
		looks := 0
		look := patiently(func() time.Duration { return withheld }, 0, func() (int, error) {
			withheld += time.Hour
			looks++
			return looks, nil
		})
		for range 100 {
			if _, err := look(); err != nil {
				t.Fatalf("gave up at look %d: %v", looks, err)
			}
		}
	})
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
		g2 := gomega.NewWithT(t)
		g2.Expect(said).To(gomega.And(gomega.ContainSubstring("it was given 0s, and the time that the machine withheld"), gomega.ContainSubstring("7")))
	})
}
