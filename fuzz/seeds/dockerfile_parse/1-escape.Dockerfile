# syntax=docker/dockerfile:1.7-labs
# escape=`
# check=skip=JSONArgsRecommended

# an ordinary comment
FROM scratch AS win
SHELL ["sh", "-c"]
RUN one `
    # a comment between

    && two C:\dir\ `
  # another
    && three
ENV A=a` b B="x`"y"
COPY dir\file C:\dest\
