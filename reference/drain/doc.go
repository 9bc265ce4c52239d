// Package drain is the marker contract: what the file .drain_request.json in a
// gateway's home means, and how to look at it, write it and remove it.
//
// The marker's presence requests a drain and its absence does not, whatever it
// contains. Presence is decided by the directory entry alone, so that no content,
// mode or file type can hide a request. A look that can decide neither way says so
// (Known is false), and whoever acts on it keeps what is in effect.
//
// The content is read to tell the log who asked, and whether the request is
// definitely stale: meant for another instantiation, or older than a request may
// get. Fresh takes such a marker for none.
//
// The marker belongs to the controller. A gateway only ever calls Look; Write and
// Remove are for the operator's commands.
//
// The package imports nothing of the project.
package drain
