package conformance

import "runtime/debug"

// version is set by the release build.
var version string

// Version is the version of the suite: of the release, or of the module where it
// is imported, or "dev".
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
