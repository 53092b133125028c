/* What the files of drift info share. */
#ifndef DRIFT_CLI_INFO_H
#define DRIFT_CLI_INFO_H

/* Prints a model's parameters and the cost of its forward pass, as text or as JSON. Returns the exit status. */
int drift_info_model(const char *path, int json);

#endif
