package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Image is what one recipe gives with the binaries at hand. What identifies it
// is kept between runs, so nothing is assembled when an engine has it already.
type Image struct {
	ID     string `json:"id"`     // digest of the configuration: the engine's image ID
	Digest string `json:"digest"` // digest of the manifest
	Name   string `json:"name"`   // drainproof/NAME:TAG, the tag made of the ID

	recipe *Recipe
	bins   Binaries
}

// assembly changes when Assemble makes another image of the same inputs.
const assembly = "1"

// Identify tells which image a recipe gives. It costs the hashing of its files;
// only when they are new is the image assembled. Identities are kept under
// root/bin/images; a folder that cannot be written only costs time.
func Identify(root string, r *Recipe, bins Binaries) (*Image, error) {
	key, err := r.key(bins)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", r.Name, err)
	}
	file := filepath.Join(binDir(root), "images", r.Name+"-"+key[:24]+".json")
	img := &Image{recipe: r, bins: bins}
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, img) == nil && img.ID != "" {
		now := time.Now()
		_ = os.Chtimes(file, now, now) // used: see Unused
		return img, nil
	}
	made, err := Assemble(r, bins)
	if err != nil {
		return nil, err
	}
	if err := img.describe(made); err != nil {
		return nil, fmt.Errorf("image %s: %w", r.Name, err)
	}
	if data, err := json.Marshal(img); err == nil {
		_ = writeAtomically(file, data)
	}
	return img, nil
}

func (i *Image) describe(made v1.Image) error {
	id, err := made.ConfigName()
	if err != nil {
		return err
	}
	digest, err := made.Digest()
	if err != nil {
		return err
	}
	i.ID, i.Digest = id.String(), digest.String()
	i.Name = "drainproof/" + i.recipe.Name + ":" + id.Hex[:24]
	return nil
}

// WriteTarball writes the image in the form `docker load` reads, under i.Name.
func (i *Image) WriteTarball(w io.Writer) error {
	made, err := Assemble(i.recipe, i.bins)
	if err != nil {
		return err
	}
	tag, err := name.NewTag(i.Name, name.WithDefaultRegistry(""))
	if err != nil {
		return err
	}
	return tarball.Write(tag, made, w)
}

// Unused removes the identities no run asked for since before, and returns the
// images they named, so that an engine can be rid of them too: every build makes
// a new image, and nobody else would ever remove the old ones.
func Unused(root string, before time.Time) []Image {
	files, _ := filepath.Glob(filepath.Join(binDir(root), "images", "*.json"))
	var out []Image
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.ModTime().Before(before) {
			continue
		}
		var img Image
		if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &img) == nil && img.Name != "" {
			out = append(out, img)
		}
		_ = os.Remove(file)
	}
	return out
}

// key condenses everything Assemble reads.
func (r *Recipe) key(bins Binaries) (string, error) {
	sum := sha256.New()
	text, err := json.Marshal(r) // maps are written in the order of their keys
	if err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "%s %s %s\n", assembly, runtime.GOARCH, text)
	for _, p := range sortedKeys(r.Files) {
		source, err := r.source(p, bins)
		if err != nil {
			return "", err
		}
		if source == "" {
			continue // its text is in the recipe
		}
		if err := hashInto(sum, source); err != nil {
			return "", fmt.Errorf("file %s: %w", p, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func hashInto(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	one := sha256.New()
	if _, err := io.Copy(one, f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%x\n", one.Sum(nil))
	return err
}

func writeAtomically(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
