# Pools the odds ratios of a table of studies with metafor, as `comorbid pool` does, and prints it.
suppressPackageStartupMessages(library(metafor))

studies <- read.csv(commandArgs(trailingOnly = TRUE)[1])
studies$yi <- log(studies$estimate)
studies$vi <- (log(studies$ci_high / studies$ci_low) / (2 * qnorm(0.975)))^2
fit <- rma.uni(yi, vi, data = studies, slab = study_id, method = "REML", test = "knha")
print(summary(fit))
print(predict(fit, transf = exp))
