package lease

import (
	"fmt"
	"strconv"
	"time"
)

// The labels a lease is written to. Everything with LabelRun is ours.
const (
	LabelRun      = "drainproof.run"
	LabelOwner    = "drainproof.owner"
	LabelStart    = "drainproof.owner-start"
	LabelBoot     = "drainproof.boot"
	LabelHost     = "drainproof.host"
	LabelCreated  = "drainproof.created"
	LabelDeadline = "drainproof.deadline"
)

// Labels writes the lease as labels of an engine's object. Labels cannot be
// renewed, so the deadline is set once, at the longest a run may last.
func (l Lease) Labels() map[string]string {
	return map[string]string{
		LabelRun:      l.Run,
		LabelOwner:    strconv.Itoa(l.Owner),
		LabelStart:    strconv.FormatUint(l.Start, 10),
		LabelBoot:     l.Boot,
		LabelHost:     l.Host,
		LabelCreated:  l.Created.Format(time.RFC3339),
		LabelDeadline: l.Deadline.Format(time.RFC3339),
	}
}

// FromLabels reads a lease back. Labels that are missing or unreadable are an
// error, and what carries them is left alone.
func FromLabels(labels map[string]string) (Lease, error) {
	l := Lease{Run: labels[LabelRun], Boot: labels[LabelBoot], Host: labels[LabelHost]}
	if l.Run == "" || l.Boot == "" || l.Host == "" {
		return Lease{}, fmt.Errorf("labels %s, %s and %s must be set", LabelRun, LabelBoot, LabelHost)
	}
	var err error
	if l.Owner, err = strconv.Atoi(labels[LabelOwner]); err != nil || l.Owner <= 0 {
		return Lease{}, fmt.Errorf("label %s: %q is no PID", LabelOwner, labels[LabelOwner])
	}
	if l.Start, err = strconv.ParseUint(labels[LabelStart], 10, 64); err != nil {
		return Lease{}, fmt.Errorf("label %s: %w", LabelStart, err)
	}
	if l.Created, err = time.Parse(time.RFC3339, labels[LabelCreated]); err != nil {
		return Lease{}, fmt.Errorf("label %s: %w", LabelCreated, err)
	}
	if l.Deadline, err = time.Parse(time.RFC3339, labels[LabelDeadline]); err != nil {
		return Lease{}, fmt.Errorf("label %s: %w", LabelDeadline, err)
	}
	return l, nil
}
