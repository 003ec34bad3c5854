// Sends records to a forward input as a program with Go's fluent-logger does, and waits for each to be
// acknowledged.
//
//	go run fluent_logger.go tcp PORT COUNT
//	go run fluent_logger.go unix PATH COUNT
package main

import (
	"log"
	"os"
	"strconv"
	"time"

	"github.com/fluent/fluent-logger-golang/fluent"
)

func main() {
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	config := fluent.Config{
		FluentNetwork:      os.Args[1],
		FluentHost:         "127.0.0.1",
		FluentSocketPath:   os.Args[2],
		RequestAck:         true,
		SubSecondPrecision: true,
		ReadTimeout:        10 * time.Second,
		WriteTimeout:       10 * time.Second,
	}
	if os.Args[1] == "tcp" {
		if config.FluentPort, err = strconv.Atoi(os.Args[2]); err != nil {
			log.Fatal(err)
		}
	}
	logger, err := fluent.New(config)
	if err != nil {
		log.Fatal(err)
	}
	defer logger.Close()
	at := time.Unix(1_700_000_000, 0)
	for n := range count {
		record := map[string]interface{}{"n": n, "text": "ünïcode \U0001f30a"}
		if err := logger.PostWithTime("app.go", at, record); err != nil {
			log.Fatal(err)
		}
	}
}
