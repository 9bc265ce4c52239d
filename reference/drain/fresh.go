package drain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// DefaultMaxAge is how long a request holds unless it is written again, and
// EnvMaxAge the environment variable that says otherwise.
const (
	DefaultMaxAge = time.Hour
	EnvMaxAge     = "GATEWAY_DRAIN_MAX_AGE"
)

// MaxAgeFromEnv reads how long a request holds.
func MaxAgeFromEnv() (time.Duration, error) {
	value := os.Getenv(EnvMaxAge)
	if value == "" {
		return DefaultMaxAge, nil
	}
	age, err := time.ParseDuration(value)
	if err != nil || age <= 0 {
		return 0, fmt.Errorf("%s is %q, which is no duration above zero; write it like 1h or 90m", EnvMaxAge, value)
	}
	return age, nil
}

// Staleness is why a marker that is there requests nothing.
type Staleness string

// The two ways in which a marker can be stale.
const (
	StaleEpoch Staleness = "epoch" // it was meant for another instantiation (EPOCH-001)
	StaleAge   Staleness = "age"   // it was not written again for too long (EXPIRY-001)
)

// Epoch tells the instantiation the gateway is in.
type Epoch interface {
	Epoch() (string, error)
}

// Stamped returns the request bound to an instantiation. When that can't be told it
// is returned as it is, to be honoured in any, with the reason.
func (r Request) Stamped(by Epoch) (Request, error) {
	own, err := by.Epoch()
	if err != nil {
		return r, err
	}
	r.Epoch = own
	return r, nil
}

// Fresh is a Source that takes a stale marker for none. Every look judges anew, so
// that a marker can grow stale under a gateway that drains, and fresh by being
// written again (EXPIRY-001, EXPIRY-002).
//
// Only what is definitely stale is ignored. A marker without an epoch, or without
// a readable time, is honoured; so is one from the future, and any marker while the
// gateway's own epoch can't be told (EPOCH-002, EXPIRY-003).
type Fresh struct {
	Source Source
	Epoch  Epoch
	Now    func() time.Time
	MaxAge time.Duration // DefaultMaxAge when zero
}

// Look looks, and judges what it saw.
func (f Fresh) Look(ctx context.Context) Observation {
	seen := f.Source.Look(ctx)
	if !seen.Known || !seen.Present {
		return seen
	}
	reason, problem := f.judge(seen.Request)
	if reason != "" {
		seen.Present, seen.Stale = false, reason
	}
	seen.Problem = errors.Join(seen.Problem, problem)
	return seen
}

// judge says why a request is stale, or nothing. What it tells of it depends on
// the request alone and not on the hour, so that a log needs to tell it only once.
func (f Fresh) judge(request Request) (Staleness, error) {
	holds := cmp.Or(f.MaxAge, DefaultMaxAge)
	foreign, problem := f.foreign(request)
	switch at := request.RequestedAt; {
	case foreign:
		return StaleEpoch, problem
	case !at.IsZero() && f.Now().Sub(at) > holds:
		return StaleAge, fmt.Errorf("the marker is stale: it was written at %s and holds for %s; write it again to go on", at.Format(time.RFC3339), holds)
	}
	return "", problem
}

// foreign says whether a request was meant for another instantiation.
func (f Fresh) foreign(request Request) (bool, error) {
	if request.Epoch == "" {
		return false, nil
	}
	own, err := f.Epoch.Epoch()
	switch {
	case err != nil:
		return false, fmt.Errorf("the marker's epoch is not looked at: %w", err)
	case own != request.Epoch:
		return true, fmt.Errorf("the marker is stale: its epoch is %.64q, this one is %q", request.Epoch, own)
	}
	return false, nil
}
