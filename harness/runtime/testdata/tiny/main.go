// Tiny plays probe and gateway in the tests of the runtimes: it shows what each
// can see of the other. It speaks lines, not the real probe's protocol.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	switch args[0] {
	case "stdio":
		fmt.Fprintln(os.Stderr, "tiny probe here")
		if os.Getenv("TINY_DIE") != "" {
			os.Exit(3)
		}
		if d, err := time.ParseDuration(os.Getenv("TINY_DELAY")); err == nil {
			time.Sleep(d)
		}
		answer(os.Stdin, os.Stdout)
	case "run":
		gateway()
	case "die": // die CODE
		code, _ := strconv.Atoi(args[1])
		fmt.Println("last words")
		os.Exit(code)
	case "own": // own CODE: says whose it is, and ends
		code, _ := strconv.Atoi(args[1])
		fmt.Printf("home=%s uid=%d\n", os.Getenv("GATEWAY_HOME"), os.Getuid())
		os.Exit(code)
	case "init": // is PID 1, or nothing, and starts the gateway
		if os.Getpid() != 1 {
			os.Exit(4)
		}
		start()
		time.Sleep(time.Hour)
	case "again":
		start()
	case "show":
	case "signal": // signal --number N --like LINE
		number, _ := strconv.Atoi(args[2])
		for _, pid := range strings.Split(reply("find", "/gateway\x00run"), ",") {
			n, err := strconv.Atoi(pid)
			if err != nil {
				fmt.Println("nobody is like", args[4])
				os.Exit(1)
			}
			_ = syscall.Kill(n, syscall.Signal(number))
		}
	case "sleep":
		fmt.Println("sidecar up", strings.Join(os.Environ(), " "))
		time.Sleep(time.Hour)
	}
}

// start starts a gateway beside this process.
func start() {
	cmd := exec.Command("/gateway", "run")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		os.Exit(5)
	}
}

// answer replies to each line with one line, which starts with a brace like the
// real probe's.
func answer(in io.Reader, out io.Writer) {
	scan := bufio.NewScanner(in)
	for scan.Scan() {
		verb, rest, _ := strings.Cut(scan.Text(), " ")
		fmt.Fprintln(out, "{"+strings.ReplaceAll(reply(verb, rest), "\n", " "))
	}
}

func reply(verb, rest string) string {
	switch verb {
	case "echo":
		return rest
	case "pid":
		return strconv.Itoa(os.Getpid())
	case "chown": // chown UID PATH
		id, path, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(id)
		return fmt.Sprint(os.Chown(path, n, n))
	case "read":
		data, err := os.ReadFile(rest)
		return fmt.Sprint(string(data), err)
	case "write": // write BYTES PATH
		n, path, _ := strings.Cut(rest, " ")
		size, _ := strconv.Atoi(n)
		return fmt.Sprint(os.WriteFile(path, make([]byte, size), 0o600))
	case "find": // the PIDs of processes whose command line holds the text
		var found []string
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, d := range dirs {
			line, _ := os.ReadFile(d + "/cmdline")
			if strings.Contains(string(line), rest) && d != "/proc/"+strconv.Itoa(os.Getpid()) {
				found = append(found, filepath.Base(d))
			}
		}
		return strings.Join(found, ",")
	case "get":
		client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		deadline := time.Now().Add(5 * time.Second)
		for {
			resp, err := client.Get(rest)
			if err == nil {
				body, _ := io.ReadAll(resp.Body)
				return string(body)
			}
			if time.Now().After(deadline) {
				return err.Error()
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "get1":
		client := http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
		if _, err := client.Get(rest); err != nil {
			return "error"
		}
		return "answered"
	case "interfaces":
		all, _ := net.Interfaces()
		var names []string
		for _, i := range all {
			if i.Flags&net.FlagUp != 0 {
				names = append(names, i.Name)
			}
		}
		return strings.Join(names, ",")
	}
	return "what is " + verb + "?"
}

// gateway writes into its home, answers on its port, and ends with 7 on SIGTERM.
func gateway() {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	home := os.Getenv("GATEWAY_HOME")
	err := os.WriteFile(filepath.Join(home, "state"), []byte("written by the gateway"), 0o600)
	fmt.Println("gateway up", err)
	fmt.Fprintln(os.Stderr, "and on standard error")
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("TINY_PORT"))
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		wd, _ := os.Getwd()
		fmt.Fprintf(w, "uid=%d pid=%d home=%s wd=%s bound=%s", os.Getuid(), os.Getpid(), home, wd, os.Getenv("TINY_BOUND"))
	}))
	<-term
	fmt.Println("bye")
	os.Exit(7)
}
