package target

import "time"

// Limits are all times by which the target is judged or waited for, by the name that each
// has in the target file.
func (t *Target) Limits() map[string]time.Duration {
	out := map[string]time.Duration{"bounds.observe": t.Bounds.Observe, "ready.within": t.Ready.Within}
	if t.Shutdown != nil {
		out["shutdown.deadline"] = t.Shutdown.Deadline
		if t.Shutdown.Short != nil {
			out["shutdown.short.deadline"] = t.Shutdown.Short.Deadline
		}
	}
	if t.Expiry != nil {
		out["expiry.maxAge"] = t.Expiry.MaxAge
	}
	if t.Jobs != nil {
		out["jobs.soonest"], out["jobs.late"] = t.Jobs.Soonest, t.Jobs.Late
	}
	return out
}
