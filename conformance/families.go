package conformance

import "slices"

// Family groups the requirements that are about the same thing.
type Family struct {
	Name  string // part of the ID before the number
	About string // what it is about, as a heading
	Intro string // what all its requirements have in common
}

// Families are all of them, in the order of SPEC.md.
func Families() []Family {
	return []Family{
		{"MARKER", "the file contract", "Judged by what the gateway publishes; a turn that gets in although the marker is there is GATE's business. Which markers are laid, and what must become of a gateway that meets each, is in fixtures/markers/catalogue.yaml."},
		{"STATE", "the state machine", "The external drain and the shutdown are two things: the one can be taken back and never ends the process, the other is final."},
		{"WATCH", "noticing", "The timing verdicts: how soon what happens to the marker shows in what is published."},
		{"GATE", "new turns", "A turn is admitted when its model call arrived or its slot was counted; one that hangs was neither admitted nor refused."},
		{"COUNT", "what the controller acts on", "Judged by intervals: between the turns that are certainly in flight and those that may be."},
		{"RESTART", "after a crash or a stop", "A respawn starts the process again in the same instantiation; a recreate makes a new one."},
		{"CONTROL", "the HTTP endpoint", "A second way to move the marker, for controllers that cannot reach the file. Of the status, `gateway_busy` says that `active_agents` is above 0; `gateway_drainable` is true while running and false once stopping or stopped."},
		{"EPOCH", "markers of another instantiation", "Judged by what the gateway publishes. A target that does not declare the feature must drain on such a marker."},
		{"EXPIRY", "markers that are too old", "Time is moved in the marker, never in the machine's clock. A target that does not declare the feature must drain on such a marker."},
		{"SHUTDOWN", "the final drain", "What gets in after a SIGTERM is charged here, not to GATE."},
		{"SCHEDULED", "jobs", "A scheduled job is a turn that nobody sends."},
		{"NOTIFY", "the shutdown broadcast", "What users are told when the gateway goes down."},
	}
}

// Requirements of the family, by number.
func (f Family) Requirements() []Requirement {
	var list []Requirement
	for _, r := range Requirements() {
		if r.Family() == f.Name {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, byID)
	return list
}
