/* cold.c - random reads by plain threads: what cold.py compares with.
 *
 * usage: cold FILE THREADS READS: each thread opens FILE and makes READS
 * reads of 4 KiB at random places.  Prints the seconds that it took.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static const char *path;
static long reads;

static void *
reader(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg * 2654435761u + 1;
    char block[BLOCK];
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        perror(path);
        exit(1);
    }
    for (long i = 0; i < reads; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        off_t off = (off_t)((seed >> 16) % (uint64_t)(st.st_size / BLOCK));
        if (pread(fd, block, BLOCK, off * BLOCK) != BLOCK) {
            perror("pread");
            exit(1);
        }
    }
    close(fd);
    return NULL;
}

static double
now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s FILE THREADS READS\n", argv[0]);
        return 2;
    }
    path = argv[1];
    reads = atol(argv[3]);
    int count = atoi(argv[2]);
    pthread_t threads[1024];
    if (count < 1 || count > 1024) {
        return 2;
    }
    double start = now();
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, reader, (void *)(uintptr_t)i)
            != 0) {
            return 1;
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%.6f\n", now() - start);
    return 0;
}
