// Package model is what does a turn's work: a language model behind any
// OpenAI-compatible endpoint, or, with nothing configured, an echo that is built
// in, so that a gateway can be tried before anything is set up.
//
// A call is made once. Nothing here repeats a call by itself and nothing but the
// caller's context limits its time: a turn may take as long as it takes.
//
// The package imports nothing of the project.
package model
