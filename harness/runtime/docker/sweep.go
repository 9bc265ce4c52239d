package docker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime/lease"
)

// Sweep removes containers and volumes of runs that are proven dead, and says
// how many. Things without a readable lease are left alone, and so is everything
// of a run whose owner lives.
func (r *Runtime) Sweep(ctx context.Context) (removed int, err error) {
	here, err := lease.Here()
	if err != nil {
		return 0, err
	}
	now := r.now()
	return r.remove(ctx, lease.LabelRun, func(l lease.Lease, bad error, running bool) (bool, string) {
		if bad != nil {
			return false, ""
		}
		return l.Expired(here, now, running)
	})
}

// remove takes away, by ID, the containers and then the volumes with a label for
// which doomed says so, and tells how many there were.
func (r *Runtime) remove(ctx context.Context, label string, doomed func(l lease.Lease, bad error, running bool) (bool, string)) (int, error) {
	client, filter := r.engine.pool.Client, map[string][]string{"label": {label}}
	containers, err := client.ListContainers(dc.ListContainersOptions{All: true, Filters: filter, Context: ctx})
	if err != nil {
		return 0, explain(r.engine.endpoint, fmt.Errorf("list containers: %w", err))
	}
	var ids []string
	kept := map[string]bool{} // runs of which something lives
	for _, c := range containers {
		l, bad := lease.FromLabels(c.Labels)
		running := c.State == "running" || c.State == "paused" || c.State == "restarting"
		if ok, why := doomed(l, bad, running); ok {
			r.log.Info("removing a container", "id", c.ID, "names", c.Names, "run", l.Run, "because", why)
			ids = append(ids, c.ID)
		} else {
			kept[c.Labels[lease.LabelRun]] = true
		}
	}
	errs := []error{r.removeContainers(ctx, ids)}
	volumes, err := client.ListVolumes(dc.ListVolumesOptions{Filters: filter, Context: ctx})
	if err != nil {
		return len(ids), explain(r.engine.endpoint, fmt.Errorf("list volumes: %w", err))
	}
	count := len(ids)
	for _, v := range volumes {
		l, bad := lease.FromLabels(v.Labels)
		ok, why := doomed(l, bad, kept[v.Labels[lease.LabelRun]])
		if !ok {
			continue
		}
		r.log.Info("removing a volume", "name", v.Name, "run", l.Run, "because", why)
		count++
		errs = append(errs, r.removeVolume(ctx, v.Name))
	}
	return count, errors.Join(errs...)
}

// removeContainers removes containers, running or not, all at once: an engine
// takes as long for ten as for one.
func (r *Runtime) removeContainers(ctx context.Context, ids []string) error {
	errs := make([]error, len(ids))
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() { errs[i] = r.removeContainer(ctx, id) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (r *Runtime) removeContainer(ctx context.Context, id string) error {
	err := r.engine.pool.Client.RemoveContainer(dc.RemoveContainerOptions{ID: id, RemoveVolumes: true, Force: true, Context: ctx})
	var gone *dc.NoSuchContainer
	var engine *dc.Error
	switch {
	case err == nil, errors.As(err, &gone):
		return nil
	case errors.As(err, &engine) && engine.Status == http.StatusConflict:
		// Another sweeper is at it. What depends on its being gone (the volume)
		// fails by itself if that is not so.
		return nil
	}
	return fmt.Errorf("cannot remove container %s: %w; try `docker rm -f %[1]s`", id, explain(r.engine.endpoint, err))
}

func (r *Runtime) removeVolume(ctx context.Context, name string) error {
	err := r.engine.pool.Client.RemoveVolumeWithOptions(dc.RemoveVolumeOptions{Name: name, Context: ctx})
	if err == nil || errors.Is(err, dc.ErrNoSuchVolume) {
		return nil
	}
	return fmt.Errorf("cannot remove volume %s: %w; try `docker volume rm %[1]s`", name, explain(r.engine.endpoint, err))
}
