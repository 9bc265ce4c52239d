package artifact

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch is the time of everything in an image: a fixed one, so that equal
// inputs make equal images.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// Assemble makes the image a recipe describes. Its ID is the digest of its
// configuration and depends on nothing but the recipe and the files it names.
// The layer is left uncompressed: it never travels further than to an engine.
func Assemble(r *Recipe, bins Binaries) (v1.Image, error) {
	layer, err := r.layer(bins)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", r.Name, err)
	}
	base := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.DockerConfigJSON), types.DockerManifestSchema2)
	img, err := mutate.ConfigFile(base, r.config())
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", r.Name, err)
	}
	img, err = mutate.Append(img, mutate.Addendum{
		Layer:   static.NewLayer(layer, types.DockerUncompressedLayer),
		History: v1.History{Created: v1.Time{Time: epoch()}, CreatedBy: "drainproof: recipe " + r.Name},
	})
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", r.Name, err)
	}
	return img, nil
}

func (r *Recipe) config() *v1.ConfigFile {
	env := make([]string, 0, len(r.Env))
	for _, k := range sortedKeys(r.Env) {
		env = append(env, k+"="+r.Env[k])
	}
	return &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      v1.Time{Time: epoch()},
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       r.User,
			Entrypoint: r.Entrypoint,
			Cmd:        r.Cmd,
			Env:        env,
			WorkingDir: r.Workdir,
			Labels:     r.Labels,
		},
	}
}

// layer writes the one layer of the image as a tar archive: folders before what
// is in them, all in the order of their names.
func (r *Recipe) layer(bins Binaries) ([]byte, error) {
	entries, err := r.entries(bins)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := e.header
		h.ModTime, h.Format = epoch(), tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		if e.open == nil {
			continue
		}
		if err := copyFile(w, e.open, h.Size); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

type entry struct {
	header tar.Header
	open   func() (io.ReadCloser, error) // nil for a folder
}

func (r *Recipe) entries(bins Binaries) ([]entry, error) {
	dirs := map[string]Owned{}
	for p, o := range r.Directories {
		dirs[p] = o
	}
	addParents := func(p string) {
		for up := path.Dir(p); up != "/"; up = path.Dir(up) {
			if _, known := dirs[up]; !known {
				dirs[up] = Owned{}
			}
		}
	}
	for _, p := range sortedKeys(r.Directories) {
		addParents(p)
	}
	for p := range r.Files {
		addParents(p)
	}
	var out []entry
	for p, o := range dirs {
		uid, gid, mode, err := owned(o.Owner, o.Mode, 0o755)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{header: tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(p, "/") + "/", Uid: uid, Gid: gid, Mode: mode}})
	}
	for _, p := range sortedKeys(r.Files) {
		e, err := r.file(p, bins)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(a.header.Name, b.header.Name) })
	return out, nil
}

func (r *Recipe) file(p string, bins Binaries) (entry, error) {
	f := r.Files[p]
	byDefault := int64(0o755)
	if f.Content != "" {
		byDefault = 0o644
	}
	uid, gid, mode, err := owned(f.Owner, f.Mode, byDefault)
	if err != nil {
		return entry{}, err
	}
	e := entry{header: tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(p, "/"), Uid: uid, Gid: gid, Mode: mode}}
	if f.Content != "" {
		e.header.Size = int64(len(f.Content))
		e.open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(f.Content)), nil }
		return e, nil
	}
	source, err := r.source(p, bins)
	if err != nil {
		return entry{}, err
	}
	info, err := os.Stat(source)
	if err != nil {
		return entry{}, fmt.Errorf("file %s: %w", p, err)
	}
	if !info.Mode().IsRegular() {
		return entry{}, fmt.Errorf("file %s: %s is no regular file", p, source)
	}
	e.header.Size = info.Size()
	e.open = func() (io.ReadCloser, error) { return os.Open(source) }
	return e, nil
}

// source returns the file of this machine that becomes p, or "" for a text.
func (r *Recipe) source(p string, bins Binaries) (string, error) {
	f := r.Files[p]
	switch {
	case f.Binary != "":
		return bins.Path(f.Binary)
	case f.Path != "" && !filepath.IsAbs(f.Path):
		return filepath.Join(r.Dir, f.Path), nil
	default:
		return f.Path, nil
	}
}

func copyFile(w io.Writer, open func() (io.ReadCloser, error), size int64) error {
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(w, f)
	if err == nil && n != size {
		err = fmt.Errorf("changed while it was read: %d bytes instead of %d; try again", n, size)
	}
	return err
}
