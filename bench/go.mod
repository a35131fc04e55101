module github.com/botyard/botyard/bench

go 1.26.0
