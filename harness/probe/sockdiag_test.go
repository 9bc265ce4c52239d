package probe

import (
	"net"
	"testing"
)

func TestListenersAreThoseOfTheTables(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	diag, err := newListeners()
	if err != nil {
		t.Skipf("this kernel has no socket diagnostics: %v", err)
	}
	defer diag.close()
	asked := map[int]map[uint64]bool{port: {}}
	if err := diag.add(asked); err != nil {
		t.Skipf("this kernel has no socket diagnostics: %v", err)
	}
	read := map[int]map[uint64]bool{port: {}}
	table, ok := readListeners("/proc/net/tcp", make([]byte, 1<<20))
	if !ok {
		t.Fatal("the table could not be read")
	}
	listening(table, read)
	if len(asked[port]) != 1 || len(read[port]) != 1 {
		t.Fatalf("diagnostics say %v, the table says %v; want one socket each", asked[port], read[port])
	}
	for inode := range asked[port] {
		if !read[port][inode] {
			t.Errorf("diagnostics say inode %d, the table says %v", inode, read[port])
		}
	}
}

func FuzzParseDiag(f *testing.F) {
	f.Add([]byte{16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{200, 0, 0, 0, 20, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		ports := map[int]map[uint64]bool{8080: {}}
		if _, err := parseDiag(data, ports); err == nil && len(ports) != 1 {
			t.Error("a port was invented")
		}
	})
}
