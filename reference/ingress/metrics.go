package ingress

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

// metrics is a registry of its own: two gateways in one process don't mix.
type metrics struct {
	registry *prometheus.Registry
	turns    *prometheus.CounterVec
}

func newMetrics(ledger *admission.Ledger) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_turns_total",
			Help: "Turns by how they ended: finished, refused, or the code of the error.",
		}, []string{"outcome"}),
	}
	m.registry.MustRegister(
		m.turns,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gateway_active_agents",
			Help: "Turns in flight: admitted, and the last byte of the reply not handed over.",
		}, func() float64 { return float64(ledger.Snapshot().InFlight) }),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	for _, state := range lifecycle.States() {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "gateway_state",
			Help:        "1 for the state the gateway is in, 0 for the others.",
			ConstLabels: prometheus.Labels{"state": string(state)},
		}, func() float64 {
			if ledger.Snapshot().State == state {
				return 1
			}
			return 0
		}))
	}
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *metrics) refused()             { m.ended("refused") }
func (m *metrics) ended(outcome string) { m.turns.WithLabelValues(outcome).Inc() }
