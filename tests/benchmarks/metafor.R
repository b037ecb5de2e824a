# Does with metafor what the benchmarks do with comorbid, and times it within R.
#
# It reads lines "WORK CONTROL NUMBER DATA FOUND", separated by tabs, until its input ends, and
# answers each with the seconds that the work took, after writing what it found as a table.
# DATA is a CSV file with the columns set, yi and vi. CONTROL is "default", metafor's own stopping
# rule, or "exact", steps of tau2 below 1e-12.
suppressPackageStartupMessages(library(metafor))

controls <- list(default = list(), exact = list(threshold = 1e-12, maxiter = 10000))

rma_of <- function(data, control)
  rma.uni(data$yi, data$vi, method = "REML", test = "knha", control = control)

timed <- function(work) {
  start <- Sys.time()
  found <- work()
  list(seconds = as.numeric(Sys.time() - start, units = "secs"), found = found)
}

row_of <- function(fit)
  data.frame(estimate = fit$beta[1], se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub,
             tau2 = fit$tau2, i2 = fit$I2)

# A fit, NUMBER times over; its time is that of one.
one <- function(data, control, number) {
  done <- timed(function() for (i in seq_len(number)) fit <<- rma_of(data, control))
  list(seconds = done$seconds / number, found = row_of(fit))
}

left_out <- function(data, control, number) {
  fit <- rma_of(data, control)
  done <- timed(function() leave1out(fit))
  list(seconds = done$seconds, found = as.data.frame(unclass(done$found)[c("estimate", "tau2")]))
}

# The fit without study NUMBER alone.
without <- function(data, control, number) {
  done <- timed(function() rma_of(data[-number, ], control))
  list(seconds = done$seconds, found = row_of(done$found))
}

influential <- function(data, control, number) {
  fit <- rma_of(data, control)
  done <- timed(function() influence(fit))
  found <- unclass(done$found$inf)
  list(seconds = done$seconds,
       found = data.frame(found[c("rstudent", "cook.d")], tau2 = found$tau2.del))
}

# NUMBER random flips of signs; with 0 every one.
permuted <- function(data, control, number) {
  fit <- rma_of(data, control)
  done <- timed(function() permutest(fit, exact = number == 0, iter = max(number, 2), progbar = FALSE))
  list(seconds = done$seconds, found = data.frame(p_value = done$found$pval[1]))
}

# NUMBER random subsets; which they are is told as a number whose lowest bit is the first study.
some_subsets <- function(data, control, number) {
  fit <- rma_of(data, control)
  set.seed(number)
  done <- timed(function() gosh(fit, subsets = number, progbar = FALSE))
  subset <- c(done$found$incl %*% 2^(seq_len(nrow(data)) - 1))
  list(seconds = done$seconds, found = data.frame(subset, done$found$res[c("estimate", "tau2")]))
}

# Each set by itself; NA where metafor stops with an error, as where it does not converge.
many <- function(data, control, number) {
  sets <- split(data, data$set)
  failed <- data.frame(estimate = NA, se = NA, ci_low = NA, ci_high = NA, tau2 = NA, i2 = NA)
  done <- timed(function() lapply(sets, function(set)
    tryCatch(rma_of(set, control), error = function(problem) NULL)))
  rows <- lapply(done$found, function(fit) if (is.null(fit)) failed else row_of(fit))
  list(seconds = done$seconds, found = do.call(rbind, rows))
}

# The most memory that a fit needs beyond what was held before it, in MB.
memory <- function(data, control, number) {
  before <- sum(gc(reset = TRUE)[, 2])
  done <- timed(function() rma_of(data, control))
  list(seconds = done$seconds, found = data.frame(megabytes = sum(gc()[, 6]) - before))
}

works <- list(one = one, left_out = left_out, without = without, influential = influential,
              permuted = permuted, some_subsets = some_subsets, many = many, memory = memory)

input <- file("stdin", "r")
cat(R.version.string, "\t", format(packageVersion("metafor")), "\n", sep = "")
while (length(line <- readLines(input, 1))) {
  part <- strsplit(line, "\t")[[1]]
  answer <- tryCatch({
    data <- read.csv(part[4], colClasses = "numeric")
    done <- works[[part[1]]](data, controls[[part[2]]], as.integer(part[3]))
    table <- lapply(done$found, function(column) sprintf("%.17g", column))
    write.csv(as.data.frame(table), part[5], row.names = FALSE, quote = FALSE)
    sprintf("%.9f", done$seconds)
  }, error = function(problem) paste("error:", gsub("\n", " ", conditionMessage(problem))))
  cat(answer, "\n", sep = "")
}
