// Package status is the gateway's published state: the file gateway_state.json in
// its home, how it is written, and how others read it.
//
// The file is replaced as a whole, by rename, so a reader sees one publication or
// the next and never a mixture (STATE-001). It is not synced to disk: it describes
// a process, and after a power cut there is none; the next start writes it first
// thing. A file can outlive its gateway, so nobody should believe it without
// asking whether the gateway lives: that is what Read does.
//
// It imports admission, home and lifecycle.
package status
