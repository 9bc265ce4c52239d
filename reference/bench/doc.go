// Package bench measures the reference gateway as a process: how soon a drain is
// published, how soon a turn is refused, what a turn in flight costs. It holds
// benchmarks only; ./scripts/bench runs them. It imports nothing of the project.
package bench
