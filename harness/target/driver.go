package target

import (
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// driverAddress is the placeholder for where the suite waits for the driver.
const driverAddress = "driver_address"

// checkDriver: a driver that nobody starts says nothing, and what is left to one must be
// left to one that is there.
func checkDriver(t *Target, doc *yamlfile.Document) {
	has := doc.Has(at("driver"))
	i := slices.IndexFunc(t.Ingresses, func(in Ingress) bool { return in.Wire == DriverWire })
	const add = "add driver: {port: 9474}, and a sidecar that connects to {{driver_address}}"
	if !has {
		if i >= 0 && !doc.Broken(at("ingresses", i)) {
			doc.Report(at("ingresses", i, "wire"), fmt.Sprintf("ingress %q is driven, but there is no driver section", t.Ingresses[i].Name), add)
		}
		for j, p := range t.Publications {
			if p.Driver {
				doc.Report(at("state", j, "driver"), fmt.Sprintf("state[%d] is read by the driver, but there is no driver section", j), add)
			}
		}
	}
	if !doc.Has(at("ready", "url")) && !doc.Broken(at("ready")) && !has {
		doc.ReportKey(at("ready"), "ready has no url, and there is no driver that could say when the gateway is ready", "add url: an http URL that answers 2xx once the gateway is up")
	}
	if !has {
		return
	}
	used := i >= 0 || !doc.Has(at("ready", "url")) || slices.ContainsFunc(t.Publications, func(p Publication) bool { return p.Driver })
	if !used {
		doc.ReportKey(at("driver"), "nothing is left to the driver", "give an ingress the wire driver, or leave the section out")
	}
	if !tells(doc, driverAddress) {
		doc.ReportKey(at("driver"), "no sidecar is told {{driver_address}}, so no driver will come", `pass it on, for example by sidecars: [{name: driver, command: [...], env: {DRIVER_ADDRESS: "{{driver_address}}"}}]`)
	}
}
