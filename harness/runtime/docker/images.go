package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/target"
)

// unusedFor is how long an assembled image stays with the engine after the last
// run that asked for it; longer than a run may last.
const unusedFor = 48 * time.Hour

// image returns the engine's record of an image it has, or an error that says
// how to get it there: nothing is ever pulled.
func (r *Runtime) image(nameOrID string) (*dc.Image, error) {
	img, err := r.engine.pool.Client.InspectImage(nameOrID)
	if errors.Is(err, dc.ErrNoSuchImage) {
		return nil, fmt.Errorf("the engine has no image %q, and nothing is pulled; see `docker images`, bring it in with `docker load` or `docker pull`, or give image.recipe in the target file", nameOrID)
	}
	if err != nil {
		return nil, explain(r.engine.endpoint, fmt.Errorf("image %q: %w", nameOrID, err))
	}
	return img, nil
}

// fromRecipe makes sure that the engine has the image a recipe gives, and
// returns its identity with the engine's own idea of its ID (engines with a
// containerd store use the manifest's digest).
func (r *Runtime) fromRecipe(ctx context.Context, file string, bins artifact.Binaries) (*artifact.Image, *dc.Image, error) {
	recipe, err := artifact.LoadRecipe(file)
	if err != nil {
		return nil, nil, err
	}
	img, err := artifact.Identify(r.o.Root, recipe, bins)
	if err != nil {
		return nil, nil, err
	}
	for _, have := range []string{img.ID, img.Name} {
		if found, err := r.engine.pool.Client.InspectImage(have); err == nil {
			return img, found, nil
		} else if !errors.Is(err, dc.ErrNoSuchImage) {
			return nil, nil, explain(r.engine.endpoint, err)
		}
	}
	r.progress("loading image " + img.Name)
	if err := r.load(ctx, img); err != nil {
		return nil, nil, fmt.Errorf("cannot load image %s into the engine: %w", img.Name, explain(r.engine.endpoint, err))
	}
	found, err := r.image(img.Name)
	return img, found, err
}

func (r *Runtime) load(ctx context.Context, img *artifact.Image) error {
	read, write := io.Pipe()
	go func() { write.CloseWithError(img.WriteTarball(write)) }()
	defer read.Close()
	var said strings.Builder
	// On its way to an engine elsewhere it may take longer than a call may.
	err := r.engine.wait.LoadImage(dc.LoadImageOptions{InputStream: read, OutputStream: &said, Context: ctx})
	if err == nil && strings.Contains(said.String(), `"error"`) {
		err = errors.New(strings.TrimSpace(said.String()))
	}
	return err
}

// gatewayImage finds the image of the gateway under test.
func (r *Runtime) gatewayImage(ctx context.Context, t *target.Target, bins artifact.Binaries) (id, digest, name string, img *dc.Image, err error) {
	if t.Image == nil || (t.Image.Name == "" && t.Image.Recipe == "") {
		return "", "", "", nil, fmt.Errorf("target %s has no image; give image.name or image.recipe in %s, or use the process runtime", t.Name, t.Path)
	}
	if t.Image.Recipe != "" {
		file := t.Image.Recipe
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(t.Path), file)
		}
		made, found, err := r.fromRecipe(ctx, file, bins)
		if err != nil {
			return "", "", "", nil, err
		}
		return found.ID, made.Digest, made.Name, found, nil
	}
	found, err := r.image(t.Image.Name)
	if err != nil {
		return "", "", "", nil, err
	}
	if len(found.RepoDigests) > 0 {
		_, digest, _ = strings.Cut(found.RepoDigests[0], "@")
	}
	return found.ID, digest, t.Image.Name, found, nil
}

// userOf says who owns the home: whom an init runs the gateway as, the target's user, or
// else the image's.
func userOf(t *target.Target, img *dc.Image) (uid, gid int, err error) {
	if t.Init != nil && t.Init.User != "" {
		return artifact.Owner(t.Init.User)
	}
	if t.User != "" {
		if uid, gid, err = artifact.Owner(t.User); err != nil {
			return 0, 0, fmt.Errorf("target %s: user: %w", t.Name, err)
		}
		return uid, gid, nil
	}
	user := ""
	if img.Config != nil {
		user = img.Config.User
	}
	if uid, gid, err = artifact.Owner(user); err != nil {
		return 0, 0, fmt.Errorf("the image runs as %q, a name nobody outside it can look up; set user: \"uid:gid\" in %s", user, t.Path)
	}
	return uid, gid, nil
}

// forgetUnused rids the engine of images assembled for builds of long ago. An
// image that is in use, or gone already, is nothing to worry about.
func (r *Runtime) forgetUnused(ctx context.Context) {
	for _, img := range artifact.Unused(r.o.Root, r.now().Add(-unusedFor)) {
		err := r.engine.pool.Client.RemoveImageExtended(img.Name, dc.RemoveImageOptions{Context: ctx})
		r.log.Debug("forgot an unused image", "image", img.Name, "error", err)
	}
}
