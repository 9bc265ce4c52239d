// Package manifest renders what runs the parts of a run somewhere else: a workflow for
// GitHub Actions, and Jobs for Kubernetes.
//
// What it renders is checked against the schemas of those systems, in its tests. None of
// it was ever run there, and every rendered text says so.
//
// It imports nothing of the project.
package manifest
