// Package soak keeps one gateway busy for minutes or hours with random schedules of what
// controllers, clients, models and machines do to it, and finds the smallest schedule that
// breaks it.
//
// A [Schedule] is a list of steps that any subset of can be played, whatever was left out:
// that is what makes it shrink. [Generate] makes one from a seed, by walking at random
// through what can be done next. A [Player] plays it against a gateway; every schedule is
// one history, judged by every monitor as those of the checks are. [Run] plays one after
// the other until the time is over, a gateway fails, or it is interrupted, and counts the
// [Goals] that were reached: a soak that never killed a gateway in a drain says nothing of
// one. [Shrink] takes steps away from a schedule that fails for as long as it fails in the
// same way.
//
// The package knows no requirement and judges nothing: whoever runs a soak says how a
// history is judged.
package soak
