//go:build race

package cli

// raceDetector takes a multiple of the memory; figures mean nothing with it.
const raceDetector = true
