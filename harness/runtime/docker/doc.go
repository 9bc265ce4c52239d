// Package docker runs gateways in pods of containers, on ory/dockertest. It is
// the runtime that certifies.
//
// A pod is an infra container, which runs the probe as PID 1, owns network and
// PID namespaces and has no network but loopback, and the gateway's container
// (and its sidecars), which joins both. An image that brings an init of its own
// keeps a PID namespace of its own (init.go). The home is a volume mounted at the same
// path in all of them. Nothing is ever pulled; images are pinned by ID.
//
//	rt, err := docker.New(ctx, docker.Options{RunID: run, Root: root})
//	prepared, err := rt.Prepare(ctx, target)
//	pod, err := rt.NewPod(ctx, target, prepared, runtime.PodOptions{Name: "a"})
//	defer pod.Close(ctx)
//	client := wire.NewClient(pod.Probe(), onEvent)
//	err = pod.StartGateway(ctx)
//
// The engine may be on another machine (DOCKER_HOST, tcp:// or ssh://): nothing of this
// one is mounted into a container, and no port is reached from outside. Over ssh every
// connection is an `ssh HOST docker system dial-stdio` of its own.
//
// Every container and volume carries the run's lease (package lease); what a
// killed run leaves behind, the next Prepare removes. It imports runtime, its
// lease and log helpers, artifact and target.
package docker
