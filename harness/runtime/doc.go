// Package runtime makes the place in which a gateway under test lives: a pod of
// containers (docker, the only runtime that certifies) or child processes on
// loopback (process, for machines without an engine). Both stand behind the same
// interfaces, leave nothing behind, and know nothing of requirements.
package runtime
