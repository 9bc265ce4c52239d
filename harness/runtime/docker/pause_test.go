package docker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestInsist(t *testing.T) {
	behind, other := errors.New("API error (409): Container c is already paused"), errors.New("API error (404): no such container")
	for _, c := range []struct {
		what   string
		says   func(asked int) error
		want   error
		asked  int
		within time.Duration
	}{
		{"an engine that agrees", func(int) error { return nil }, nil, 1, 0},
		{"an engine that is behind", func(asked int) error {
			if asked < 4 {
				return behind
			}
			return nil
		}, nil, 4, 3 * pauseEvery},
		{"another error", func(int) error { return other }, other, 1, 0},
		{"an engine that stays behind", func(int) error { return behind }, behind, int(pauseWithin/pauseEvery) + 2, pauseWithin + pauseEvery},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, asked := time.Now(), 0
				err := insist(t.Context(), func() error { asked++; return c.says(asked) }, "is already paused")
				if !errors.Is(err, c.want) || asked != c.asked || time.Since(began) > c.within {
					t.Errorf("%v after %d requests and %s, want %v after %d and %s", err, asked, time.Since(began), c.want, c.asked, c.within)
				}
			})
		})
	}
	t.Run("an interrupted run", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		if err := insist(ctx, func() error { cancel(); return behind }, "is already paused"); !errors.Is(err, behind) {
			t.Errorf("ended with %v, want %v", err, behind)
		}
	})
}
